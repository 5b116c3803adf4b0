// The page of an open verification is written anew every two seconds. What a reader has opened stays open.
Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, node) => !(name === "open" && node.tagName === "DETAILS");
