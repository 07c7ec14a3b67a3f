"""Pages of customer matrices."""

from django.urls import path

from . import cut_views, draft_views, matrix_views, redraw_views

urlpatterns = [
    path("", matrix_views.matrices, name="matrices"),
    path("<slug:code>/", matrix_views.matrix, name="matrix"),
    path("<slug:code>/cells/", matrix_views.cells, name="matrix-cells"),
    path("<slug:code>/cells/<int:number>/", matrix_views.cell, name="matrix-cell"),
    path("<slug:code>/versions/", matrix_views.versions, name="matrix-versions"),
    path("<slug:code>/versions/<int:number>/", matrix_views.version, name="matrix-version"),
    path("<slug:code>/compare/", matrix_views.comparison, name="matrix-compare"),
    path("<slug:code>/compare/moves/", matrix_views.comparison_moves, name="matrix-compare-moves"),
    path("<slug:code>/drafts/<int:pk>/", draft_views.draft, name="matrix-draft"),
    path(
        "<slug:code>/drafts/<int:pk>/consequences/",
        draft_views.draft_consequences,
        name="matrix-draft-consequences",
    ),
    path("<slug:code>/drafts/<int:pk>/cells/", redraw_views.draft_cells, name="matrix-draft-cells"),
    path(
        "<slug:code>/drafts/<int:pk>/dimension/",
        redraw_views.dimension,
        name="matrix-draft-dimension",
    ),
    path("<slug:code>/cuts/", cut_views.city_cuts, name="city-cuts"),
    path("<slug:code>/cuts/<slug:city>/", cut_views.city_cut, name="city-cut"),
]
