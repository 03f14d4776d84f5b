"""A customer's mail as django-helpdesk's mailbox gets it; it runs in .venv-servers.

`helpdesk_mail.py FOLDER ADDRESS SUBJECT` reads the text from stdin, and prints the ticket's number.
"""

import logging
import sys
from email.message import EmailMessage

import django
from django.conf import settings as django_settings
from helpdesk_site import settings

if __name__ == "__main__":
    django_settings.configure(**settings())
    django.setup()
    from helpdesk.email import extract_email_metadata
    from helpdesk.models import Queue

    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sys.argv[2], "support@desk.example", sys.argv[3]
    mail.set_content(sys.stdin.read())
    queue = Queue.objects.get()
    print(extract_email_metadata(mail.as_string(), queue, logging.getLogger("mail")).id)  # noqa: T201
