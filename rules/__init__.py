"""Rules: conditions on the stream of readings, and what they say when they come true. No I/O here."""

from rules.evaluator import Evaluator
from rules.loading import parse_rules
from rules.model import Rule, Silence, Threshold

__all__ = ["Evaluator", "Rule", "Silence", "Threshold", "parse_rules"]
