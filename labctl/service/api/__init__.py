"""Offer a served station over HTTP: to the window, the phone, scripts and other shells."""
