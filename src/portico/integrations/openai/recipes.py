"""OpenAI's composed tools that change something: several calls, all or nothing."""

from portico.integrations.openai import offboarding, onboarding, rotation

RECIPES = (onboarding.RECIPE, offboarding.RECIPE, rotation.RECIPE)
