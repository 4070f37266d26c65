#include "readings.hpp"

namespace calotype::python {

namespace nb = nanobind;

Readings::Readings(const nb::list& objects, const nb::object& attribute) : attribute_(attribute) {
    if (!Py_IS_TYPE(attribute.ptr(), &PyGetSetDescr_Type)) throw nb::type_error("the attribute is no getter in C");
    const PyGetSetDef* getset = reinterpret_cast<PyGetSetDescrObject*>(attribute.ptr())->d_getset;
    get_ = getset->get;
    closure_ = getset->closure;
    for (const nb::handle object : objects) {
        if (!PyObject_TypeCheck(object.ptr(), PyDescr_TYPE(attribute.ptr())))
            throw nb::type_error("an object has no such attribute");
        objects_.push_back(nb::borrow(object));
        values_.push_back(read(object));
    }
}

nb::object Readings::read(nb::handle object) const {
    PyObject* value = get_(object.ptr(), closure_);
    if (value == nullptr) throw nb::python_error();
    return nb::steal(value);
}

bool Readings::changed() const {
    for (size_t i = 0; i < objects_.size(); ++i) {
        const nb::object now = read(objects_[i]);
        if (!now.is(values_[i]) && !now.equal(values_[i])) return true;
    }
    return false;
}

}  // namespace calotype::python
