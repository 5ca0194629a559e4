"""API Gateway REST APIs, served as their OpenAPI document, stage and method settings declare them."""
