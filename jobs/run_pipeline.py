"""The job for spark-submit: the same options and the same work as `support-lakehouse run`."""

import sys

from support_lakehouse.cli.app import main

if __name__ == "__main__":
    main(["run", *sys.argv[1:]])
