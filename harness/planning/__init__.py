"""From a stage to a load plan, pure: build, schedule, budget."""
