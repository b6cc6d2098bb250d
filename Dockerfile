# One image, two programs: the web server (default) and the job worker.
# Build: docker build -t allies .        Run everything: docker compose up

FROM python:3.13.16-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /opt/venv
COPY requirements.txt /tmp/
RUN /opt/venv/bin/pip install --require-hashes -r /tmp/requirements.txt

FROM python:3.13.16-slim-bookworm
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    ALLIES_DATA_DIR=/data
RUN useradd --system --uid 10001 --home-dir /app allies \
    && install -d -o allies -g allies /app /static \
    && install -d -o allies -g allies -m 0700 /data
WORKDIR /app
COPY --from=build /opt/venv /opt/venv
COPY --chown=root:root . .
# Messages and static files are part of the image: a container starts without writing any.
# The secret that this needs is made for it, and thrown away with its data folder.
RUN ALLIES_DATA_DIR=/tmp/build ALLIES_STATIC_ROOT=/static \
    sh -c 'python manage.py messages --compile && python manage.py collectstatic --noinput' \
    && rm -rf /tmp/build
ENV ALLIES_STATIC_ROOT=/static
USER allies
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s CMD \
    ["python", "-c", "import os, http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=4); c.request('GET', '/healthz', headers={'Host': os.environ.get('ALLIES_ALLOWED_HOSTS', 'localhost').split(',')[0]}); raise SystemExit(c.getresponse().status != 200)"]
CMD ["granian", "--interface", "wsgi", "--host", "0.0.0.0", "--port", "8000", \
     "--workers", "2", "--blocking-threads", "4", "--respawn-failed-workers", "config.wsgi:application"]
