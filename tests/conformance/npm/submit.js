// Creates jobs with Smile ID's own client. Takes the server, the partner, its key and the address of callbacks.
const { WebApi, IDApi } = require("smile-identity-core");

const [server, partner, key, callback] = process.argv.slice(2);
const web = new WebApi(partner, callback, key, server);
const id = new IDApi(partner, key, server);
const picture = Buffer.from("a picture").toString("base64");
const images = [
  { image_type_id: 2, image: picture },
  { image_type_id: 3, image: picture },
];
const person = { country: "NG", id_type: "VOTER_ID", id_number: "INVENTED0001", entered: true };

function params(name, jobType) {
  return { job_id: `npm-${name}`, user_id: "npm-user", job_type: jobType, tenant: "north" };
}

async function submit() {
  return {
    upload: await web.submit_job(params("upload", 6), images, { ...person, entered: false }, {}),
    lookup: await id.submit_job(params("lookup", 5), person),
    later: await id.submitAsyncjob(params("later", 5), person, callback),
    token: await web.get_web_token({
      user_id: "npm-user",
      job_id: "npm-token",
      product: "biometric_kyc",
      callback_url: callback,
    }),
  };
}

submit().then(
  (answers) => console.log(JSON.stringify(answers)),
  (error) => {
    console.error(error.response ? JSON.stringify(error.response.data) : error);
    process.exit(1);
  },
);
