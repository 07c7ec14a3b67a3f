"""The product's addresses, and one more: the bare view that recommendations are held against.

It goes through the same server and the same middleware, fetches the same row in one statement, and
writes it out as it is: nobody is admitted, nothing is put into words, nothing is kept.
"""

from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.urls import path

from config.urls import handler400, handler403, handler404, handler500
from config.urls import urlpatterns as product

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]

_ROW = """
    SELECT a.customer_no, a.city, a.profile, a.cells, a.offers, a.tiers, a.take_ups, a.worths,
           p.id AS publication, p.business_date, p.published_at
    FROM campaigns_currentpublication AS c
    JOIN campaigns_publication AS p ON p.id = c.publication_id
    JOIN LATERAL (
        SELECT * FROM campaigns_answer AS row
        WHERE row.customer_no = %s AND row.publication_id <= p.id
        ORDER BY row.publication_id DESC
        LIMIT 1
    ) AS a ON true
"""


def bare(request: HttpRequest, customer_no: str) -> JsonResponse:
    with connection.cursor() as cursor:
        cursor.execute(_ROW, [customer_no])
        names = [column.name for column in cursor.description]
        return JsonResponse(dict(zip(names, cursor.fetchone(), strict=True)))


urlpatterns = [path("bare/<str:customer_no>", bare), *product]
