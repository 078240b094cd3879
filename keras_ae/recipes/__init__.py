"""Recipes of the released models: what to train on what, what to measure, and what the paper says.

    NAME.json       a recipe: data, not code
    recipe.py       reads and validates them
    judge.py        the classifier that judges generated digits
    reproduce.py    trains a recipe with several seeds, measures, and compares with the paper
    release.py      makes a preset of what was reproduced

TensorFlow is imported only when a model is trained.
"""

from keras_ae.recipes.recipe import Claim, Recipe

__all__ = ["Claim", "Recipe"]
