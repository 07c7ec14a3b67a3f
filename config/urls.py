"""Every address of the product, on one page."""

from django.urls import include, path

urlpatterns = [
    path("accounts/", include("accounts.urls")),
    path("api/", include("config.api")),
    path("matrices/", include("campaigns.matrix_urls")),
    path("audiences/", include("segmentation.audiences.urls")),
    path("contacts/", include("contacts.urls")),
    path("flows/", include("segmentation.flow.urls")),
    path("insight/", include("segmentation.insight.urls")),
    path("models/", include("scoring.urls")),
    path("", include("touch.urls")),
    path("", include("portal.urls")),
]

handler400 = "common.pages.bad_request"
handler403 = "common.pages.forbidden"
handler404 = "common.pages.not_found"
handler500 = "common.pages.broken"
