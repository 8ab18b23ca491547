"""Incidents: what rules found, and who has it in hand."""
