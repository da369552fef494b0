"""`rapport serve`: the HTTP API and the pages for people, and beside them the workers and the datasets, until it is asked to stop."""

from ipaddress import ip_network
from pathlib import Path
from typing import Annotated

import typer

from infra.cli.output import USAGE, fail, print_note
from infra.cli.running import running
from infra.public_url import LOOPBACK

HostOption = Annotated[str, typer.Option("--host", help="The address to listen on; 0.0.0.0 is every IPv4 address.")]
PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help="The port to listen on; 0: a free one.")]
ApiOnlyOption = Annotated[
    bool,
    typer.Option("--api-only", help="Serve the API and the pages alone: workers and datasets run in other processes."),
]
CertificateOption = Annotated[
    Path | None,
    typer.Option("--tls-certificate", exists=True, dir_okay=False, help="PEM file of the server's certificate chain."),
]
KeyOption = Annotated[
    Path | None, typer.Option("--tls-key", exists=True, dir_okay=False, help="PEM file of the certificate's key.")
]
RootPathOption = Annotated[
    str | None,
    typer.Option(
        "--root-path", metavar="PATH", help="The path under which a proxy shows the API, for instance /rapport."
    ),
]
ProxyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--trusted-proxy",
        metavar="ADDRESS",
        help="An address or network whose X-Forwarded-… headers count; may be repeated. Without it none counts.",
    ),
]
BodyOption = Annotated[
    float,
    typer.Option(
        "--body-timeout", min=0.1, max=600, help="Seconds after which a body that does not come on is given up."
    ),
]
HeadOption = Annotated[
    float,
    typer.Option("--head-timeout", min=0.1, max=600, help="Seconds within which the head of a request must come."),
]


def register(app: typer.Typer) -> None:
    """Add `serve`."""
    app.command("serve")(serve)


def serve(
    host: HostOption = "127.0.0.1",
    port: PortOption = 8080,
    api_only: ApiOnlyOption = False,
    tls_certificate: CertificateOption = None,
    tls_key: KeyOption = None,
    root_path: RootPathOption = None,
    trusted_proxy: ProxyOption = None,
    body_timeout: BodyOption = 20.0,
    head_timeout: HeadOption = 20.0,
) -> None:
    """Serve the HTTP API and the pages for people; workers and datasets run with it unless --api-only.

    Several processes may serve one store on PostgreSQL; those that run workers share the work. Ends cleanly on Ctrl-C and
    SIGTERM: it answers what it took, then closes.
    """
    if (tls_certificate is None) != (tls_key is None):
        fail("--tls-certificate and --tls-key belong together: name both", USAGE)
    if root_path and (not root_path.startswith("/") or root_path.endswith("/")):
        fail("--root-path: expected a path that begins with / and does not end with it", USAGE)
    for each in trusted_proxy or ():
        if not _is_network(each):
            fail(
                f"--trusted-proxy {each}: expected an address such as 10.0.0.7, a network such as 10.0.0.0/8, or *",
                USAGE,
            )
    with running("serve", None, host) as (rapport, process):
        if rapport.settings.demo_persons is not None and host not in LOOPBACK:
            fail(
                "RAPPORT_DEMO_PERSONS lets anybody sign in who reaches the server: serve a demo on 127.0.0.1 alone, or unset it",
                USAGE,
            )
        from infra.access.tokens import Tokens
        from infra.http.serving import CannotListen, Place, listening
        from infra.http.serving import serve as run
        from infra.intake.senders import UNCHECKED
        from infra.operations.followers import StoreCollector
        from infra.web.site import pages

        place = Place(
            host,
            port,
            tls_certificate,
            tls_key,
            root_path or "",
            tuple(trusted_proxy or ()),
            body_timeout,
            head_timeout,
        )
        try:
            with listening(place) as (listener, url):
                if not rapport.senders.checked:
                    print_note(UNCHECKED)
                StoreCollector(rapport.store).register()
                tokens = Tokens.of(rapport.settings)
                run(
                    rapport,
                    process,
                    tokens,
                    place,
                    listener,
                    api_only=api_only,
                    part=pages(rapport.settings),
                    started=lambda: print_note(f"listening on {url}"),
                )
        except CannotListen as error:
            fail(str(error), USAGE)


def _is_network(text: str) -> bool:
    if text == "*":
        return True
    try:
        ip_network(text)
    except ValueError:
        return False
    return True
