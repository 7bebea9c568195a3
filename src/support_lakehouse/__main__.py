"""`python -m support_lakehouse` is the command `support-lakehouse`."""

from support_lakehouse.cli.app import main

if __name__ == "__main__":
    main()
