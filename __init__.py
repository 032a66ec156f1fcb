"""Train spiking networks with exact spike times, prove them in NEST, analyse them as cortex is analysed."""

from .errors import SemsyncError
from .network_description import LIFNeuron, NetworkDescription, Population, Projection
from .spike_table import SpikeTable

__version__ = "0.1.0"
__all__ = ["LIFNeuron", "NetworkDescription", "Population", "Projection", "SemsyncError", "SpikeTable", "__version__"]
