"""Alerts: incidents reach the duty officer, or the failure to reach him is on record."""

from alerts.channels import Contact, check_contacts
from alerts.notifier import Notifier, NotifierSettings

__all__ = ["Contact", "Notifier", "NotifierSettings", "check_contacts"]
