"""Figures that last: visits, crossings, stays, occupancy and uptime in SQLite or PostgreSQL."""
