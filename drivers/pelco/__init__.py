"""Pelco-D and Pelco-P cameras."""
