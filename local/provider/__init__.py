"""A Pulumi resource provider over the handlers: with it the real engine deploys into the embedded AWS."""
