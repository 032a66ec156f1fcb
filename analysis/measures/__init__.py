"""Measures of synchrony, selectivity, separability and pathways, vectorised over a :class:`~semsync.SpikeTable`.

Each takes a table that was cut to a window (:func:`apply_window`), or arrays made from one.
"""

from .classes import count_classes, stimulus_classes
from .decoding import Decoding, decode, latency_features
from .distances import JaccardSeparation, jaccard_separation
from .elephant_measures import (
    Sample,
    SpikeTrainDistance,
    draw_sample,
    firing_rate,
    joined_spiketrains,
    mean_complexity,
    spike_contrast,
    spike_time_tiling,
    trial_spiketrains,
    van_rossum,
    victor_purpura,
)
from .groups import UnitGroup, find_groups
from .information import class_entropy, information_gain, mutual_information, preferred_class
from .packets import (
    Packets,
    PacketSpikes,
    common_packet_size,
    matched_shortest_half,
    packet_spikes,
    pulse_packets,
    shortest_half,
    shuffled_decision_shortest_half,
)
from .pathways import (
    PathwayShare,
    PathwayStrength,
    pathway_selectivity,
    pathway_share,
    pathway_strengths,
    rows_of_populations,
    top_overlap,
    top_units,
)
from .permutation import (
    n_discoveries_needed,
    permutation_p_values,
    q_values,
    require_permutations,
    say_if_few_permutations,
)
from .response_information import ResponseInformation, count_responses, latency_responses, response_information
from .surrogates import SURROGATES, Surrogates, SurrogateSpikes
from .windows import Window, apply_window, find_window, find_windows

__all__ = [
    "SURROGATES",
    "Decoding",
    "JaccardSeparation",
    "PacketSpikes",
    "Packets",
    "PathwayShare",
    "PathwayStrength",
    "ResponseInformation",
    "Sample",
    "SpikeTrainDistance",
    "SurrogateSpikes",
    "Surrogates",
    "UnitGroup",
    "Window",
    "apply_window",
    "class_entropy",
    "common_packet_size",
    "count_classes",
    "count_responses",
    "decode",
    "draw_sample",
    "find_groups",
    "find_window",
    "find_windows",
    "firing_rate",
    "information_gain",
    "jaccard_separation",
    "joined_spiketrains",
    "latency_features",
    "latency_responses",
    "matched_shortest_half",
    "mean_complexity",
    "mutual_information",
    "n_discoveries_needed",
    "packet_spikes",
    "pathway_selectivity",
    "pathway_share",
    "pathway_strengths",
    "permutation_p_values",
    "preferred_class",
    "pulse_packets",
    "q_values",
    "require_permutations",
    "response_information",
    "rows_of_populations",
    "say_if_few_permutations",
    "shortest_half",
    "shuffled_decision_shortest_half",
    "spike_contrast",
    "spike_time_tiling",
    "stimulus_classes",
    "top_overlap",
    "top_units",
    "trial_spiketrains",
    "van_rossum",
    "victor_purpura",
]
