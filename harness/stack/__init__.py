"""The servers under load: started, sized, read back, stopped."""
