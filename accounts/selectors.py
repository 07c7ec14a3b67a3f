"""Reads: users and the operation log, each within the reader's scope."""

from django.db.models import QuerySet

from .models import Operation, Organisation, SystemClient, User


def users_for(reader: User, text: str = "") -> QuerySet[User]:
    """The users in the reader's scope, those whose name contains ``text``."""
    found = User.objects.visible_to(reader).select_related("organisation")
    return found.filter(username__icontains=text) if text else found


def organisations_for(reader: User) -> QuerySet[Organisation]:
    """The organisations where the reader may place a user, in the order of the tree."""
    return Organisation.objects.visible_to(reader)


def operations_for(reader: User) -> QuerySet[Operation]:
    return Operation.objects.visible_to(reader)


def clients_for(reader: User) -> QuerySet[SystemClient]:
    """The system clients in the reader's scope, with their keys, newest first."""
    found = SystemClient.objects.visible_to(reader).select_related("organisation")
    return found.prefetch_related("keys")
