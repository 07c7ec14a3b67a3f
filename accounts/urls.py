"""Signing in and out, users, system clients, the operation log."""

from allauth.account import views as allauth_views
from django.urls import path

from . import client_views, views

urlpatterns = [
    # Of allauth's pages only these: nobody signs up, and there is no mail to reset by.
    path("login/", allauth_views.login, name="account_login"),
    path("logout/", allauth_views.logout, name="account_logout"),
    path("inactive/", allauth_views.account_inactive, name="account_inactive"),
    path("password/", allauth_views.password_change, name="account_change_password"),
    path("users/", views.users, name="users"),
    path("users/new/", views.new_user, name="user-new"),
    path("users/<int:pk>/", views.user, name="user"),
    path("clients/", client_views.clients, name="clients"),
    path("clients/new/", client_views.new_client, name="client-new"),
    path("clients/<slug:code>/", client_views.client, name="client"),
    path("clients/<slug:code>/keys/new/", client_views.new_key, name="client-key-new"),
    path("operations/", views.operations, name="operations"),
]
