"""Sources behind public records: guards, grouping by origin, suggestions, system checks."""
