"""Declares, updates and resolves an incident with the client that `scripts/generated-client` made."""

import sys

from incident_client import AuthenticatedClient
from incident_client.api.incidents import add_update, declare_incident, get_incident, list_incidents, list_updates
from incident_client.models import DeclareRequest, ListIncidentsStatus, Problem, Severity, Status, Update

url, token = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=token)

refused = declare_incident.sync(client=client, body=DeclareRequest(title="", severity=Severity.SEV3))
assert isinstance(refused, Problem), refused
assert refused.status == 422 and refused.errors[0].pointer == "/title", refused

declaration = DeclareRequest(
    title="API answers with errors", severity=Severity.SEV3, affected_services=["api"], affected_tenants=["tenant-fr"]
)
incident = declare_incident.sync(client=client, body=declaration)
assert incident.status == Status.TRIAGE and incident.responder == "scripts", incident

update = Update(message="The cause is known.", status=Status.IDENTIFIED)
entry = add_update.sync(id=incident.id, client=client, body=update)
assert entry.status_to == Status.IDENTIFIED, entry
add_update.sync(id=incident.id, client=client, body=Update(message="It is over.", status=Status.RESOLVED))

shown = get_incident.sync(id=incident.id, client=client)
assert shown.status == Status.RESOLVED and shown.resolved_at is not None, shown
entries = list_updates.sync(id=incident.id, client=client).items
assert [one.status_to for one in entries if one.status_to][-1] == Status.RESOLVED, entries
found = list_incidents.sync(client=client, status=ListIncidentsStatus.RESOLVED).items
assert [one.id for one in found] == [incident.id], found
print(f"scripts/generated-client: incident {shown.number} was declared, updated and resolved")
