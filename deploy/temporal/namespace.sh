#!/bin/sh
# Creates Vigil's namespace, once the server answers; safe to run again.
set -eu

temporal operator cluster health
temporal operator namespace describe --namespace default \
    || temporal operator namespace create --namespace default --retention 7d
