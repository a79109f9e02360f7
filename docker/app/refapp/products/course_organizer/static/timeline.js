"use strict";

// The timeline came with the page; what changes often is asked for here.
const items = async path => {
  const reply = await fetch(path);
  if (!reply.ok) throw new Error(`${path}: HTTP ${reply.status}`);
  return (await reply.json()).items;
};

const fill = (id, lines) => {
  const list = document.getElementById(id);
  list.replaceChildren(...lines.map(line => Object.assign(document.createElement("li"), { textContent: line })));
};

for (const time of document.querySelectorAll("time")) {
  time.textContent = new Date(time.dataset.seconds * 1000).toLocaleString();
}

items("/api/groups").then(async groups => {
  fill("groups", groups.map(group => `${group.name}, ${group.members} members`));
  const messages = groups.length ? await items(`/api/groups/${groups[0].id}/messages`) : [];
  fill("messages", messages.map(message => `${message.sender}: ${message.text}`));
}).catch(error => fill("messages", [error.message]));
