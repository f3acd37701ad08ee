"""Whole journeys, through the doors that people and machines use."""
