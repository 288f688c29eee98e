"""Blueprints: what a viewer shows and how it is arranged. `import rrbridge.blueprint as rrb`.

::

    rr.send_blueprint(
        rrb.Horizontal(
            rrb.Spatial3DView(origin="/world", overrides={"/world/map": rrb.EntityBehavior(visible=False)}),
            rrb.TimeSeriesView(contents=["/odom/**"]),
            column_shares=[2, 1],
        )
    )
"""

from rrbridge._time_ranges import TimeRange as TimeRange
from rrbridge._time_ranges import TimeRangeBoundary as TimeRangeBoundary
from rrbridge._time_ranges import VisibleTimeRange as VisibleTimeRange
from rrbridge.blueprint import archetypes as archetypes
from rrbridge.blueprint import components as components
from rrbridge.blueprint import encodings as encodings
from rrbridge.blueprint import experimental as experimental
from rrbridge.blueprint._blueprint import Blueprint as Blueprint
from rrbridge.blueprint._blueprint import BlueprintLike as BlueprintLike
from rrbridge.blueprint._blueprint import BlueprintPart as BlueprintPart
from rrbridge.blueprint._read import read_blueprint as read_blueprint
from rrbridge.blueprint._view import View as View
from rrbridge.blueprint.archetypes import ActiveVisualizers as ActiveVisualizers
from rrbridge.blueprint.archetypes import AudioPlayback as AudioPlayback
from rrbridge.blueprint.archetypes import Background as Background
from rrbridge.blueprint.archetypes import EntityBehavior as EntityBehavior
from rrbridge.blueprint.archetypes import EyeControls3D as EyeControls3D
from rrbridge.blueprint.archetypes import LineGrid3D as LineGrid3D
from rrbridge.blueprint.archetypes import PlotInteraction as PlotInteraction
from rrbridge.blueprint.archetypes import PlotLegend as PlotLegend
from rrbridge.blueprint.archetypes import ScalarAxis as ScalarAxis
from rrbridge.blueprint.archetypes import SpatialInformation as SpatialInformation
from rrbridge.blueprint.archetypes import TensorScalarMapping as TensorScalarMapping
from rrbridge.blueprint.archetypes import TensorSliceSelection as TensorSliceSelection
from rrbridge.blueprint.archetypes import TextLogColumns as TextLogColumns
from rrbridge.blueprint.archetypes import TextLogFormat as TextLogFormat
from rrbridge.blueprint.archetypes import TextLogRows as TextLogRows
from rrbridge.blueprint.archetypes import TimeAxis as TimeAxis
from rrbridge.blueprint.archetypes import VisibleTimeRanges as VisibleTimeRanges
from rrbridge.blueprint.archetypes import VisualBounds2D as VisualBounds2D
from rrbridge.blueprint.components import BackgroundKind as BackgroundKind
from rrbridge.blueprint.components import Corner2D as Corner2D
from rrbridge.blueprint.components import Eye3DKind as Eye3DKind
from rrbridge.blueprint.components import MapProvider as MapProvider
from rrbridge.blueprint.components import PanelState as PanelState
from rrbridge.blueprint.components import PanelStateLike as PanelStateLike
from rrbridge.blueprint.containers import Container as Container
from rrbridge.blueprint.containers import ContainerLike as ContainerLike
from rrbridge.blueprint.containers import Grid as Grid
from rrbridge.blueprint.containers import Horizontal as Horizontal
from rrbridge.blueprint.containers import Tabs as Tabs
from rrbridge.blueprint.containers import Vertical as Vertical
from rrbridge.blueprint.panels import BlueprintPanel as BlueprintPanel
from rrbridge.blueprint.panels import SelectionPanel as SelectionPanel
from rrbridge.blueprint.panels import TimePanel as TimePanel
from rrbridge.blueprint.panels import TopPanel as TopPanel
from rrbridge.blueprint.views import AudioView as AudioView
from rrbridge.blueprint.views import BarChartView as BarChartView
from rrbridge.blueprint.views import DataframeView as DataframeView
from rrbridge.blueprint.views import GraphView as GraphView
from rrbridge.blueprint.views import MapView as MapView
from rrbridge.blueprint.views import Spatial2DView as Spatial2DView
from rrbridge.blueprint.views import Spatial3DView as Spatial3DView
from rrbridge.blueprint.views import StateTimelineView as StateTimelineView
from rrbridge.blueprint.views import TensorView as TensorView
from rrbridge.blueprint.views import TextDocumentView as TextDocumentView
from rrbridge.blueprint.views import TextLogView as TextLogView
from rrbridge.blueprint.views import TimeSeriesView as TimeSeriesView
from rrbridge.blueprint.visualizers import VisualizableArchetype as VisualizableArchetype
from rrbridge.blueprint.visualizers import Visualizer as Visualizer

LockRangeDuringZoom = components.LockRangeDuringZoom
