"""What people say about readings: consent, store, export, and the monitor that watches how reading fares."""
