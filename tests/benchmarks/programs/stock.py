"""Locust as it comes: a FastHttpUser that asks again as soon as it is answered."""

from locust import FastHttpUser, task


class Stock(FastHttpUser):
    @task
    def get(self):
        self.client.get("/")
