"""The content of a push delivery, its signature, and the apps that it deploys."""
