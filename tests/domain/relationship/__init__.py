"""The relationship: gates, guards, permissions, the course, and that nothing is told twice."""
