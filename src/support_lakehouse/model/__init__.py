"""The words of the product as typed, frozen values; no work is done here."""
