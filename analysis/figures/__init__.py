"""Publication-ready figures, each a function that takes results and returns matplotlib axes.

Without `ax` or `axes` a new figure is made, apart from pyplot; :func:`render` turns it into a file.
"""

from .class_distances import class_distance_matrix, class_distances
from .coincidences import coincidences
from .comparison import comparison
from .connection_matrix import connection_matrix
from .connection_truth import precision_recall
from .correlograms import correlograms
from .decoding import decoding_accuracy
from .effects_by_layer import effects_by_layer
from .information_bias import information_bias
from .information_by_unit import information_by_unit
from .information_gain import information_gain
from .learning_curve import learning_curve
from .packet_size import packet_size
from .packet_width import packet_width
from .pathway_picture import pathway_picture
from .pathways import pathways
from .patterns import patterns
from .raster import raster
from .save import figure_of, render
from .spike_time_equality import spike_time_equality
from .style import figure_style, new_axes
from .synchrony import complexity_distributions, synchrony_against_surrogates
from .time_course import time_course
from .unit_information import unit_information
from .unitary_events import unitary_events
from .validation_curves import validation_curves

__all__ = [
    "class_distance_matrix",
    "class_distances",
    "coincidences",
    "comparison",
    "complexity_distributions",
    "connection_matrix",
    "correlograms",
    "decoding_accuracy",
    "effects_by_layer",
    "figure_of",
    "figure_style",
    "information_bias",
    "information_by_unit",
    "information_gain",
    "learning_curve",
    "new_axes",
    "packet_size",
    "packet_width",
    "pathway_picture",
    "pathways",
    "patterns",
    "precision_recall",
    "raster",
    "render",
    "spike_time_equality",
    "synchrony_against_surrogates",
    "time_course",
    "unit_information",
    "unitary_events",
    "validation_curves",
]
