"""One ERP: its endpoints, its credentials, and single calls of it. Decides nothing about records."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from connector.adapters.soap.body import BranchNode, Making
from connector.adapters.soap.credentials import Credentials, Proof
from connector.adapters.soap.documents import WsdlSource
from connector.adapters.soap.file import WsdlSection
from connector.adapters.soap.fit import Misfit
from connector.adapters.soap.made import Branch
from connector.adapters.soap.message import Endpoint, Message, MisfitError
from connector.adapters.soap.outcome import Kind
from connector.adapters.soap.pace import Pace
from connector.adapters.soap.profile import Call, EndpointPlan, Profile, render
from connector.adapters.soap.reply import Reply, read_reply
from connector.adapters.soap.settings import SoapSettings
from connector.adapters.soap.template import Scope, parse_template
from connector.adapters.soap.tokens import Token
from connector.adapters.soap.wire import Limits, NoAnswer, Wire
from connector.adapters.soap.wsdl import load_wsdl
from connector.clock import Clock
from connector.errors import (
    AccessRefusedError,
    ConfigError,
    ConnectorError,
    Problem,
    RejectedError,
    UnavailableError,
)
from connector.exchanges import note

_MOST_MISFITS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """One call, and what came back."""

    message: Message
    reply: Reply | NoAnswer


class Erp:
    """The ERP of one target. Safe to use from several threads."""

    def __init__(self, profile: Profile, settings: SoapSettings, clock: Clock) -> None:
        self.profile = profile
        self._clock = clock
        self._settings = settings
        self._endpoints: dict[str, Endpoint] = {}
        self._lock = threading.Lock()
        self._idle: list[Wire] = []
        self._slots = threading.BoundedSemaphore(profile.limits.concurrency)
        self.pace = Pace(profile.limits, clock)
        self.credentials = Credentials(profile, self.base_scope, self._plain_wire, clock)
        if profile.login is not None:
            self.credentials.use_session(self._log_in)

    def base_scope(self) -> dict[str, object]:
        """Give the settings and secrets that expressions can name. Secrets are read at each use.

        Raises: AccessRefusedError for a secret that cannot be read.
        """
        return {"settings": self._settings.settings, "secrets": _Secrets(self._settings)}

    def endpoint(self, name: str) -> Endpoint:
        """Give an endpoint, its WSDL loaded.

        Raises: ConfigError, UnavailableError, AccessRefusedError when the WSDL cannot be had or used.
        """
        with self._lock:
            if name not in self._endpoints:
                self._endpoints[name] = self._open(self.profile.endpoints[name])
            return self._endpoints[name]

    def source(self, section: WsdlSection) -> WsdlSource:
        """Give where a WSDL and its imports are read from."""
        folder = self.profile.path.parent
        location = str(folder / section.file) if section.file is not None else self.address(section.url or "")
        return WsdlSource(
            location=location,
            catalog={address: folder / path for address, path in section.catalog.items()},
            hosts=frozenset(section.hosts),
            ca_bundle=self._settings.ca_bundle,
            folder=None if section.folder is None else folder / section.folder,
        )

    def address(self, text: str) -> str:
        """Give an address of the profile with its settings filled in."""
        return render(parse_template(text), self.base_scope())

    @contextmanager
    def wire(self) -> Iterator[Wire]:
        """Lend a connection for one record: the ERP takes all calls over it for one session.

        Waits while as many are lent as the profile allows.
        """
        with self._slots:
            with self._lock:
                wire = self._idle.pop() if self._idle else None
            wire = wire or self.new_wire()
            wire.forget_cookies()
            try:
                yield wire
            except BaseException:
                wire.close()
                raise
            with self._lock:
                self._idle.append(wire)

    def new_wire(self) -> Wire:
        """Make a connection that authenticates as the profile says."""
        return Wire(
            self.limits,
            ca_bundle=self._settings.ca_bundle,
            auth=self.credentials.http_auth(),
            certificate=self.credentials.certificate(),
        )

    @property
    def limits(self) -> Limits:
        """Give how long and how much."""
        timeouts = self.profile.timeouts
        return Limits(
            connect=timeouts.connect,
            read=timeouts.read,
            deadline=timeouts.deadline,
            max_body_bytes=self.profile.limits.max_body_bytes,
        )

    def call(self, wire: Wire, call: Call, scope: Scope) -> Called:
        """Make one call; after a refused token, once more with a new one.

        Raises: RejectedError for values that the schema does not take, ConfigError for a profile that it does
            not take; AccessRefusedError, ThrottledError, UnavailableError when no token can be had.
            In all these cases the call has not been made.
        """
        proof = self.credentials.proof()
        called = self._send(wire, call, scope, proof)
        if isinstance(called.reply, Reply) and self.credentials.renewed(proof, called.reply):
            called = self._send(wire, call, scope, self.credentials.proof())
        return called

    def build(self, call: Call, scope: Scope, proof: Proof | None = None) -> Message:
        """Put a message together; without a proof, without credentials.

        Raises: RejectedError, ConfigError.
        """
        making = Making()
        made = call.body.make(scope, (), making)
        body = made if isinstance(made, Branch) else Branch({})
        if proof is not None and proof.fields:
            body = Branch({**proof.fields, **body.fields}, body.type)
        try:
            message = self.endpoint(call.endpoint).build(
                call.operation, body, proof.blocks if proof else None
            )
        except MisfitError as error:
            unfit_at = {"/".join(each.path) for each in making.unfit}
            misfits = [each for each in error.misfits if each.path not in unfit_at]
            raise _misfit(call, making, misfits) from error
        if making.unfit:
            raise _misfit(call, making, [])
        return message

    def close(self) -> None:
        """End the session, if there is one, and close the connections."""
        try:
            self._log_out()
        finally:
            with self._lock:
                idle, self._idle = self._idle, []
            for wire in idle:
                wire.close()

    def _send(self, wire: Wire, call: Call, scope: Scope, proof: Proof) -> Called:
        message = self.build(call, scope, proof)
        self.credentials.seal(message)
        answer = wire.post(message.address, message.body(), {**message.headers, **proof.http})
        if isinstance(answer, NoAnswer):
            note("POST", f"{message.address} {call.operation}", f"no whole answer ({answer.reason})")
            return Called(message=message, reply=answer)
        note("POST", f"{message.address} {call.operation}", answer.status)
        return Called(message=message, reply=read_reply(answer))

    def _open(self, plan: EndpointPlan) -> Endpoint:
        wsdl = load_wsdl(self.source(plan.wsdl), wire=self.new_wire() if plan.wsdl.file is None else None)
        if plan.wsdl.sha256 is not None and plan.wsdl.sha256 != wsdl.sha256:
            raise ConfigError(
                f"the WSDL is not the one that the profile pins: its fingerprint is {wsdl.sha256}",
                remedy="See what changed; when it is right, put the new fingerprint into wsdl.sha256.",
            )
        endpoint = Endpoint(
            wsdl,
            service=plan.binding.service,
            port=plan.binding.port,
            address=None if plan.address is None else render(plan.address, self.base_scope()),
            ns=self.profile.ns,
            skip_missing=plan.binding.missing_required == "skip",
            xsi_types=plan.binding.xsi_types,
            cut=plan.binding.max_length == "truncate",
        )
        own = [call for call in self.profile.calls() if self.profile.endpoints[call.endpoint] is plan]
        problems = []
        for call in own:
            try:
                endpoint.require(call.operation)
            except ConfigError as error:
                problems.append(Problem(place=call.place, message=error.message))
        if problems:
            named = "; ".join(dict.fromkeys(problem.message for problem in problems))
            raise ConfigError(
                f"the profile names operations that the WSDL does not offer: {named}", problems=problems
            )
        return endpoint

    def _plain_wire(self) -> Wire:
        return Wire(self.limits, ca_bundle=self._settings.ca_bundle)

    def _log_in(self) -> Token:
        login = self.profile.login
        if login is None:
            raise ConfigError("no session in auth")
        wire = self.new_wire()
        try:
            called = self._send(wire, login.call, self.base_scope(), self.credentials.proof(for_login=True))
        finally:
            wire.close()
        reply = called.reply
        if isinstance(reply, NoAnswer):
            raise UnavailableError(f"cannot log in: {reply.reason}", remedy=reply.remedy)
        token = reply.text(login.token)
        if token:
            return Token(value=token, issued_at=self._clock())
        verdict = login.call.judge.judge(reply)
        if reply.fault is None and reply.envelope is None and verdict.kind is not Kind.AUTH:
            raise UnavailableError(f"the login is answered with {verdict.words()}")
        raise AccessRefusedError(
            f"the ERP refuses the login: {verdict.words()}", remedy="Check the secrets that the login sends."
        )

    def _log_out(self) -> None:
        login = self.profile.login
        if login is None or login.logout is None or not self.credentials.has_session:
            return
        wire = self.new_wire()
        try:
            end = Call(
                operation=login.logout,
                endpoint=login.call.endpoint,
                body=BranchNode({}),
                place=login.call.place,
            )
            self._send(wire, end, self.base_scope(), self.credentials.proof())
        except ConnectorError:
            return  # the session ends by itself
        finally:
            wire.close()


class _Secrets(Mapping[str, str]):
    """Secrets, each read when it is used: a rotated file is picked up, and no value is kept."""

    def __init__(self, settings: SoapSettings) -> None:
        self._secrets = settings.secrets

    def __getitem__(self, name: str) -> str:
        try:
            return self._secrets[name].reveal()
        except ValueError as error:
            raise AccessRefusedError(f"secret `{name}` cannot be read: {error}") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._secrets)

    def __len__(self) -> int:
        return len(self._secrets)


def _misfit(call: Call, making: Making, misfits: list[Misfit]) -> RejectedError | ConfigError:
    lines = [f"{'/'.join(each.path)} ({each.source}): {each.message}" for each in making.unfit]
    lines += [
        f"{each.path} ({each.source}): {each.message}" if each.source else f"{each.path}: {each.message}"
        for each in misfits
    ]
    more = f"; and {len(lines) - _MOST_MISFITS} more" if len(lines) > _MOST_MISFITS else ""
    words = f"{call.operation} was not sent: {'; '.join(lines[:_MOST_MISFITS])}{more}"
    if any(each.is_profile for each in misfits):
        return ConfigError(words, remedy=f"correct the profile at {call.place}")
    return RejectedError(words, remedy="correct the document, or the mapping")
