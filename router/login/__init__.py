"""The console host's `/auth/…`: people sign in and out there, also for apps."""
