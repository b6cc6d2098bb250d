"""Sources of public records: guards, grouping by origin, suggested origins, system checks."""
