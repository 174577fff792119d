"""Control and acquisition for Raman and photoluminescence thermometry."""

__version__ = "0.1.0"
