"""The product's addresses and, where they are not there yet, those of the pages of sets."""

from django.urls import include, path

from config.urls import handler400, handler403, handler404, handler500
from config.urls import urlpatterns as _product

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

urlpatterns = [path("audiences/", include("segmentation.audiences.urls")), *_product]
