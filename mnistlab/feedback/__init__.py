"""What people say about readings: consent, the store, exports, and a monitor of how use changes over time."""
