"""`python -m bench.client`: makes the system client that the load speaks for; prints its key."""

import os


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()

    from accounts.client_services import MOST_BURST, add_key, create_client
    from accounts.models import Level, Organisation
    from common.permissions import Permission

    client = create_client(
        code="load",
        name_zh="负载",
        name_en="load",
        organisation=Organisation.objects.get(level=Level.PROVINCE),
        operations=(Permission.RECOMMEND, Permission.SEND_FEEDBACK),
        # It counts and refills as any other, and never runs out.
        rate=100_000,
        burst=MOST_BURST,
        by="bench",
    )
    print(add_key(client, days=1, by="bench"))


if __name__ == "__main__":
    main()
