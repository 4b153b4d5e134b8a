// Without this the predictions of all steps stand beside each other.
const slider = document.getElementById('step');
if (slider) {
  const predictions = [...document.querySelectorAll('[data-step]')];
  const steps = [...new Set(predictions.map((figure) => figure.dataset.step))];
  const show = () => {
    const step = steps[slider.value];
    for (const figure of predictions) figure.hidden = figure.dataset.step !== step;
    document.getElementById('shown').textContent = `after step ${step}`;
    slider.setAttribute('aria-valuetext', `after step ${step}`);
  };
  slider.addEventListener('input', show);
  slider.closest('.slider').hidden = false;
  show();
}
