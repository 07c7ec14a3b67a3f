"""The database itself refuses to change what happened, and what an organisation once said."""

from django.db import migrations

CREATE = """
CREATE FUNCTION contacts_keep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a row of % is kept as it was written', TG_TABLE_NAME;
END $$;
CREATE TRIGGER contacts_event_keep BEFORE UPDATE ON contacts_contactevent
    FOR EACH ROW EXECUTE FUNCTION contacts_keep();
CREATE TRIGGER contacts_policy_keep BEFORE UPDATE OR DELETE ON contacts_contactpolicyversion
    FOR EACH ROW EXECUTE FUNCTION contacts_keep();
"""
DROP = """
DROP TRIGGER contacts_event_keep ON contacts_contactevent;
DROP TRIGGER contacts_policy_keep ON contacts_contactpolicyversion;
DROP FUNCTION contacts_keep();
"""


class Migration(migrations.Migration):
    dependencies = [("contacts", "0001_initial")]
    operations = [migrations.RunSQL(CREATE, DROP)]
