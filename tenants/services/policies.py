"""What the provider does to policies: make and change them, and say which tenant has which."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import IntegrityError, transaction

from portal.lib.plain import name_fault
from portal.lib.refusal import Refusal
from portal.lib.tenancy import tenant_context
from tenants.domain.quota import LABELS, NO_LIMIT, UNBOUNDED, Limit, Measure
from tenants.domain.roles import Actor, Right, TenantKind
from tenants.models import Policy, Tenant

NAME_MAX = 200


class PolicyInvalid(Refusal):
    """A policy's name, contact or limits are not what they should be."""

    code = "policy_invalid"
    status = 422


class PolicyNameTaken(Refusal):
    """There is a policy of that name."""

    code = "policy_name_taken"


class PolicyChanged(Refusal):
    """Somebody changed the policy while a form of it was open."""

    code = "policy_changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTerms:
    """Everything that a person says of a policy."""

    name: str
    contact: str = ""
    is_default: bool = False
    migration_in: bool = True
    limits: Mapping[Measure, Limit] = field(default_factory=dict)


def policy_create(*, actor: Actor, terms: PolicyTerms, now: datetime) -> Policy:
    """Return a new policy. Raises PolicyInvalid and PolicyNameTaken."""
    actor.require(Right.PROVIDER_MANAGE)
    what = "The policy was not made."
    with tenant_context(actor.tenant_id):
        policy = Policy(tenant_id=actor.tenant_id, changed_at=now, changed_by_id=actor.user_id)
        _fill(policy, terms, what)
        _save(policy, what, new=True)
    return policy


def policy_update(
    *, actor: Actor, policy_id: UUID, terms: PolicyTerms, version: int, now: datetime
) -> Policy:
    """Return the changed policy, which holds at once for all who have it.

    Raises PolicyChanged unless `version` is the one that is there, PolicyInvalid and PolicyNameTaken.
    """
    actor.require(Right.PROVIDER_MANAGE)
    what = "The policy was not changed."
    with tenant_context(actor.tenant_id):
        policy = Policy.objects.visible_to(actor).select_for_update().get(id=policy_id)
        if policy.version != version:
            raise PolicyChanged(
                what,
                why=f"It was changed at {policy.changed_at:%H:%M} UTC, after this was read: it is version"
                f" {policy.version} now.",
                remedy="Look at it as it is now, then change it again.",
            )
        _fill(policy, terms, what)
        policy.version += 1
        policy.changed_at, policy.changed_by_id = now, actor.user_id
        _save(policy, what, new=False)
    return policy


def policy_assign(*, actor: Actor, tenant_id: UUID, policy_id: UUID | None, now: datetime) -> None:
    """Give a customer this policy, or (None) the default one. Raises DoesNotExist for what is neither."""
    actor.require(Right.PROVIDER_MANAGE)
    with tenant_context(actor.tenant_id):
        policy = Policy.objects.visible_to(actor).get(id=policy_id) if policy_id else None
    with tenant_context(tenant_id):
        tenant = Tenant.objects.select_for_update(no_key=True).get(id=tenant_id, kind=TenantKind.CUSTOMER)
        if tenant.policy_id != (policy.id if policy else None):
            Tenant.objects.filter(id=tenant_id).update(policy=policy, policy_since=now)


def _fill(policy: Policy, terms: PolicyTerms, what: str) -> None:
    name, contact = terms.name.strip(), terms.contact.strip()
    if fault := name_fault(name, NAME_MAX):
        raise PolicyInvalid(what, why=fault, remedy="Correct the name.")
    if contact and (fault := name_fault(contact, NAME_MAX)):
        raise PolicyInvalid(what, why=fault, remedy="Correct whom to ask, or leave it out.")
    if policy.is_default and not terms.is_default:
        raise PolicyInvalid(
            what,
            why="It is the default one, and tenants without their own policy have it.",
            remedy="Make another policy the default one instead.",
        )
    policy.name, policy.contact = name, contact
    policy.migration_in = terms.migration_in
    policy.is_default = terms.is_default
    for measure in Measure:
        limit = terms.limits.get(measure, NO_LIMIT)
        _limit_check(measure, limit, what)
        setattr(policy, f"{measure.value}_soft", limit.soft)
        setattr(policy, f"{measure.value}_hard", limit.hard)


def _limit_check(measure: Measure, limit: Limit, what: str) -> None:
    numbers = [number for number in (limit.soft, limit.hard) if number is not None]
    if any(not 0 <= number < UNBOUNDED for number in numbers):
        raise PolicyInvalid(
            what,
            why=f"{LABELS[measure]}: a limit is zero or more, and no larger than what can be counted.",
            remedy="Correct the number, or leave it empty for no limit.",
        )
    if numbers != sorted(numbers):
        raise PolicyInvalid(
            what,
            why=f"{LABELS[measure]}: it would warn only above what is allowed.",
            remedy="Let it warn at less than is allowed, or at as much.",
        )


def _save(policy: Policy, what: str, *, new: bool) -> None:
    try:
        with transaction.atomic():
            if policy.is_default:
                held = Policy.objects.filter(tenant_id=policy.tenant_id, is_default=True)
                held.exclude(id=policy.id).update(is_default=False)
            policy.save(force_insert=new)
    except IntegrityError as error:
        if "policy_name_once" not in str(error):
            raise
        raise PolicyNameTaken(
            what, why=f"There is a policy called {policy.name}.", remedy="Choose another name."
        ) from error
