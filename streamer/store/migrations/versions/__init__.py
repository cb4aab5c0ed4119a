"""One file a step. A step that has been released is never changed: what it made stands in somebody's database."""
