"""Recipes of the released models: model, data and training, the metrics, and the results in the papers.

    NAME.json           a recipe: data, not code
    recipe.py           reads and validates them
    judge.py            the classifier that judges generated digits
    detector_recipe.py  kinds of outliers, and how well a detector finds them
    reproduce.py        trains a recipe with several seeds, measures, and compares with the paper
    release.py          makes a preset of a reproduction

TensorFlow is imported only when a model is trained.
"""

from keras_ae.recipes.recipe import Claim, Recipe

__all__ = ["Claim", "Recipe"]
