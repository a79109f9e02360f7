"""The reference application: a small learning-management system that stands in for the planned product."""
