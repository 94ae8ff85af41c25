"""Real virtual machines on /dev/kvm, by ioctls from Python: event costs, live migration, checkpoints."""
