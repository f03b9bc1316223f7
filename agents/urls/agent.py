"""What an agent asks the web process."""

from django.urls import path

from agents.api.enrol import Enrol

urlpatterns = [path("v1/enrol", Enrol.as_view(), name="agent-enrol")]
